/** The registry's files: content-addressed, checked, whole or absent. */
@NullMarked
package io.athanor.registry.blob;

import org.jspecify.annotations.NullMarked;
