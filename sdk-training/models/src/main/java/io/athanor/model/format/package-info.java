/**
 * What other tools keep models and adapters in: Hugging Face folders and PEFT folders, and in the
 * rooms below this one further formats.
 */
@NullMarked
package io.athanor.model.format;

import org.jspecify.annotations.NullMarked;
