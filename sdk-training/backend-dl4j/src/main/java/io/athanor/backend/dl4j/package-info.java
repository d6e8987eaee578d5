/**
 * Compiles a Graph to SameDiff programs, one for each set of sizes, and runs them on ND4J.
 *
 * <p>It needs no JVM flags, on Java 17 or 25. From Java 24 on the JVM warns of native code, which
 * {@code --enable-native-access=ALL-UNNAMED} silences, and of {@code sun.misc.Unsafe} in JavaCPP,
 * which {@code --sun-misc-unsafe-memory-access=allow} silences.
 */
@NullMarked
package io.athanor.backend.dl4j;

import org.jspecify.annotations.NullMarked;
