/**
 * Places that models are brought to besides this process: other servers, Ollama, the Hugging Face
 * Hub, containers and devices; and {@link io.athanor.deploy.target.GoldenTranscript}, which proves
 * that a model says there what it says here.
 */
@NullMarked
package io.athanor.deploy.target;

import org.jspecify.annotations.NullMarked;
