/**
 * Compiles a Graph to SameDiff programs, one for each set of sizes, and runs them on ND4J.
 *
 * <p>It needs no JVM flags on Java 17. From Java 24 on, {@code --enable-native-access=ALL-UNNAMED}
 * silences a warning about native code.
 */
@NullMarked
package io.athanor.backend.dl4j;

import org.jspecify.annotations.NullMarked;
