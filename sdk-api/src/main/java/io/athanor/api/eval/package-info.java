/** What an evaluation found: the report with its metrics, gate decisions and evidence. */
@NullMarked
package io.athanor.api.eval;

import org.jspecify.annotations.NullMarked;
