/** Architectures: functions from a configuration to a graph. */
@NullMarked
package io.athanor.model;

import org.jspecify.annotations.NullMarked;
