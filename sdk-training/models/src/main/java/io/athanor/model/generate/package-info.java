/** What a model says: sampling, streaming, conversations, and vectors for texts. */
@NullMarked
package io.athanor.model.generate;

import org.jspecify.annotations.NullMarked;
