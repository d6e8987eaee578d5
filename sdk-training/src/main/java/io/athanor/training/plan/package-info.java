/** Training plans as YAML and JSON. */
@NullMarked
package io.athanor.training.plan;

import org.jspecify.annotations.NullMarked;
