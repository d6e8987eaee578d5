/**
 * A model as data: an immutable program of layer-level operations, its builder, shapes and
 * analyses.
 */
@NullMarked
package io.athanor.api.graph;

import org.jspecify.annotations.NullMarked;
