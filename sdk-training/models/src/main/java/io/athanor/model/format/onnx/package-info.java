/** Models in ONNX files; graphs are written, but not run. */
@NullMarked
package io.athanor.model.format.onnx;

import org.jspecify.annotations.NullMarked;
