/** Rows from what callers send, checked against a model's schema. */
@NullMarked
package io.athanor.deploy.input;

import org.jspecify.annotations.NullMarked;
