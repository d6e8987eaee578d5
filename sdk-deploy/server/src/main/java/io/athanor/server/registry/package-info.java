/** A registry over HTTP, and what of it is deployed. */
@NullMarked
package io.athanor.server.registry;

import org.jspecify.annotations.NullMarked;
