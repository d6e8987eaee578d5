package io.athanor.server.registry;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.JobOutput;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.SearchPage;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.http.Route;
import io.athanor.server.http.StrictJson;
import io.javalin.http.Context;
import java.util.List;

/**
 * Jobs, to look at: those that versions of the registry name as what made them, and what they made.
 * Thread-safe.
 */
public final class JobEndpoints {
  private final ModelRegistry registry;

  public JobEndpoints(ModelRegistry registry) {
    this.registry = registry;
  }

  public List<Route> routes() {
    return List.of(Route.get("/v1/jobs", this::list), Route.get("/v1/jobs/{job}", this::one));
  }

  private void list(Context ctx) {
    Page page = Page.of(ctx);
    ObjectNode answer = StrictJson.object().put("offset", page.offset());
    ArrayNode jobs = answer.putArray("jobs");
    for (JobOutput job :
        RegistryView.of(registry, ctx, Permission.READ).jobs(page.offset(), page.limit())) {
      jobs.addObject()
          .put("job", job.job())
          .put("versions", job.versions())
          .put("first", job.first().toString())
          .put("last", job.last().toString());
    }
    StrictJson.send(ctx, answer);
  }

  private void one(Context ctx) {
    Page page = Page.of(ctx);
    String job = ctx.pathParam("job");
    SearchPage made =
        RegistryView.of(registry, ctx, Permission.READ)
            .search(Search.all().job(job).page(page.offset(), page.limit()));
    if (made.total() == 0) {
      throw new NotFoundException(
          "version made by a job '" + job + "'", List.of(), "GET /v1/jobs lists those there are");
    }
    ObjectNode answer =
        StrictJson.object().put("job", job).put("offset", made.offset()).put("total", made.total());
    ArrayNode versions = answer.putArray("versions");
    made.versions().forEach(version -> versions.add(VersionJson.brief(version)));
    StrictJson.send(ctx, answer);
  }
}
