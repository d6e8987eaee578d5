/** Texts as token sequences: how rows become what a language model learns from. */
@NullMarked
package io.athanor.data.text;

import org.jspecify.annotations.NullMarked;
