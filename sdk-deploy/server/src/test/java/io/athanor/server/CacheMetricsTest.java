package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.deploy.Deployment;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.ResponseCache;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import org.junit.jupiter.api.Test;

class CacheMetricsTest {
  private final ResponseCache cache = ResponseCache.of(1 << 20);

  @Test
  void whatACacheDidIsInTheMetrics() throws Exception {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        Deployment live =
            cache.over(
                Deployments.inProcess().backend(backend).deploy("prices", TinyArtifacts.prices()));
        ModelServer server = ModelServer.on(0).serve(live).cache("answers", cache).start()) {
      Client client = new Client(server.address());
      for (int area : new int[] {70, 80, 70, 70}) {
        String body = "{\"input\":{\"area\":" + area + "}}";
        assertThat(client.post("/v1/models/prices/predict", body).statusCode()).isEqualTo(200);
      }
      assertThat(client.get("/metrics").body())
          .contains(
              "athanor_cache_lookups_total{cache=\"answers\",result=\"hit\"} 2.0",
              "athanor_cache_lookups_total{cache=\"answers\",result=\"miss\"} 2.0",
              "athanor_cache_evicted_total{cache=\"answers\"} 0.0",
              "athanor_cache_entries{cache=\"answers\"} 2.0");
    }
  }

  @Test
  void everyCacheHasANameOfItsOwn() {
    ModelServer.Builder builder = ModelServer.on(0).cache("answers", cache);
    assertThatThrownBy(() -> builder.cache("answers", cache))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("not be used before, got 'answers'");
    assertThatThrownBy(() -> builder.cache(" ", cache))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
