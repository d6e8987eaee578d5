/**
 * Contents of a registry encrypted at rest. Begin with {@link
 * io.athanor.store.encrypted.EncryptedBlobs}.
 */
@NullMarked
package io.athanor.store.encrypted;

import org.jspecify.annotations.NullMarked;
