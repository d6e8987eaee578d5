/**
 * Registered models: versions, aliases, promotion, search, lineage; begin at {@link
 * io.athanor.registry.ModelRegistry}.
 */
@NullMarked
package io.athanor.registry;

import org.jspecify.annotations.NullMarked;
