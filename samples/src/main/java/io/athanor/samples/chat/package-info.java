/** A language model of one's own, asked through LangChain4j. */
@NullMarked
package io.athanor.samples.chat;

import org.jspecify.annotations.NullMarked;
