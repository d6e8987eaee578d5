/** Watching models that serve: latency, errors, drift, alerts, and what people say of answers. */
@NullMarked
package io.athanor.deploy.monitor;

import org.jspecify.annotations.NullMarked;
