/** The description of the server's routes, for programs and for people. */
@NullMarked
package io.athanor.server.docs;

import org.jspecify.annotations.NullMarked;
