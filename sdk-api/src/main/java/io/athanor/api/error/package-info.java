/** The ten exceptions of Athanor: each says what happened, what was expected and how to fix it. */
@NullMarked
package io.athanor.api.error;

import org.jspecify.annotations.NullMarked;
