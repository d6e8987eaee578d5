/** The model artifact: graph, weights, encoding, provenance, and how it predicts. */
@NullMarked
package io.athanor.api.model;

import org.jspecify.annotations.NullMarked;
