/** What a deployment is, what it answers and what it counts. */
@NullMarked
package io.athanor.api.deploy;

import org.jspecify.annotations.NullMarked;
