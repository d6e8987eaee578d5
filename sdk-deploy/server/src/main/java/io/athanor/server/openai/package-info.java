/** The models that are served, asked in the form of OpenAI's API. */
@NullMarked
package io.athanor.server.openai;

import org.jspecify.annotations.NullMarked;
