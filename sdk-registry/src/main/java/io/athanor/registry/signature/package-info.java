/** Signatures over the files of versions, as OpenSSF's model signing writes them. */
@NullMarked
package io.athanor.registry.signature;

import org.jspecify.annotations.NullMarked;
