// Shows the schema with Swagger UI. Calls that are tried out go to this server, in the session of whoever is logged in.
const place = document.getElementById("docs");
const cookie = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.split("=")[1];

SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  validatorUrl: null,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  requestInterceptor: (request) => {
    const changes = !["GET", "HEAD"].includes((request.method || "GET").toUpperCase());
    if (changes && cookie("csrftoken")) request.headers["X-CSRFToken"] = cookie("csrftoken");
    return request;
  },
});
