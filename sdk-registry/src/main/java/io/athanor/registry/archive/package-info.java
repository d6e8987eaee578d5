/** Versions and whole registries as single files, and what must be checked in such files. */
@NullMarked
package io.athanor.registry.archive;

import org.jspecify.annotations.NullMarked;
