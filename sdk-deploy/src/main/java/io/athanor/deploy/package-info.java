/** The front door of deployment: {@link io.athanor.deploy.Deployments}. */
@NullMarked
package io.athanor.deploy;

import org.jspecify.annotations.NullMarked;
