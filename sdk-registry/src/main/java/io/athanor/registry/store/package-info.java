/** What the registry knows, in a relational database. */
@NullMarked
package io.athanor.registry.store;

import org.jspecify.annotations.NullMarked;
