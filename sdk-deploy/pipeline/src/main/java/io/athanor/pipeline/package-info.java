/** Every stage in one dependency, and the way from a candidate to production. */
@NullMarked
package io.athanor.pipeline;

import org.jspecify.annotations.NullMarked;
