/** What happens on a server, as it happens. */
@NullMarked
package io.athanor.server.live;

import org.jspecify.annotations.NullMarked;
