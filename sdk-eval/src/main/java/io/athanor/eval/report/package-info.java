/** The report as Markdown and as one self-contained HTML page. */
@NullMarked
package io.athanor.eval.report;

import org.jspecify.annotations.NullMarked;
