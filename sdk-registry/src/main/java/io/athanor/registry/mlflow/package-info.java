/** Versions from and to MLflow servers, through their REST API. */
@NullMarked
package io.athanor.registry.mlflow;

import org.jspecify.annotations.NullMarked;
