/** What is known of models that are watched, and what people say of their answers. */
@NullMarked
package io.athanor.server.monitoring;

import org.jspecify.annotations.NullMarked;
