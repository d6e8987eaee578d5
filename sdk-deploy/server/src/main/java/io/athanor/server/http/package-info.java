/** Requests, answers and errors in the forms that every endpoint shares. */
@NullMarked
package io.athanor.server.http;

import org.jspecify.annotations.NullMarked;
