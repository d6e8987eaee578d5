/** What may go into a language model, and what of its answers may come out. */
@NullMarked
package io.athanor.deploy.safety;

import org.jspecify.annotations.NullMarked;
