/** The seam between the Graph and an engine that runs it. */
@NullMarked
package io.athanor.api.backend;

import org.jspecify.annotations.NullMarked;
