/** How a candidate takes a champion's place under traffic, or does not. */
@NullMarked
package io.athanor.deploy.rollout;

import org.jspecify.annotations.NullMarked;
