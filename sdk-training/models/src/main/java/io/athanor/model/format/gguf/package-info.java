/** GGUF, the model format of llama.cpp: reading, writing, and its names against Hugging Face's. */
@NullMarked
package io.athanor.model.format.gguf;

import org.jspecify.annotations.NullMarked;
