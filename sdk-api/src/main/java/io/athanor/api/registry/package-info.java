/** What a registry keeps: versions of models, their files, aliases and how to search for them. */
@NullMarked
package io.athanor.api.registry;

import org.jspecify.annotations.NullMarked;
