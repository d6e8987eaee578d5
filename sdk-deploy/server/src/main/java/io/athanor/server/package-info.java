/** Deployments over HTTP: {@link io.athanor.server.ModelServer}. */
@NullMarked
package io.athanor.server;

import org.jspecify.annotations.NullMarked;
