/** Reads networks that DL4J saved, as text and numbers, into graphs; runs and loads nothing. */
@NullMarked
package io.athanor.backend.dl4j.network;

import org.jspecify.annotations.NullMarked;
