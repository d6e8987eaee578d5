/** The models that are served, asked in Athanor's own form. */
@NullMarked
package io.athanor.server.serving;

import org.jspecify.annotations.NullMarked;
