/** Contents of a registry in an S3 bucket. Begin with {@link io.athanor.store.s3.S3Blobs}. */
@NullMarked
package io.athanor.store.s3;

import org.jspecify.annotations.NullMarked;
