/** A host application that embeds a model. */
@NullMarked
package io.athanor.samples.spring;

import org.jspecify.annotations.NullMarked;
