/** Weights out of ONNX files; the graphs themselves are not run. */
@NullMarked
package io.athanor.model.format.onnx;

import org.jspecify.annotations.NullMarked;
