/** Where the samples find their data and leave their results. */
@NullMarked
package io.athanor.samples.files;

import org.jspecify.annotations.NullMarked;
