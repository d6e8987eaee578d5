/** Serving a model in this process, with requests gathered into batches. */
@NullMarked
package io.athanor.deploy.serve;

import org.jspecify.annotations.NullMarked;
