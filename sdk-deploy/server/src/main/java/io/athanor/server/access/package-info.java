/** Who calls, what they may do, and how often. */
@NullMarked
package io.athanor.server.access;

import org.jspecify.annotations.NullMarked;
