/** What happens in a training run, told while it happens. */
@NullMarked
package io.athanor.api.event;

import org.jspecify.annotations.NullMarked;
