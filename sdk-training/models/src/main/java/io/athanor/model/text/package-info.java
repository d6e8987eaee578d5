/** Text to tokens and back, the training of vocabularies, and chats as text. */
@NullMarked
package io.athanor.model.text;

import org.jspecify.annotations.NullMarked;
