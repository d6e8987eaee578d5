/** Compiles a Graph to one TorchScript program and runs it on libtorch through DJL. */
@NullMarked
package io.athanor.backend.djl;

import org.jspecify.annotations.NullMarked;
