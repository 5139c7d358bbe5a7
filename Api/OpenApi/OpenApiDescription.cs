using System.Text.Json.Nodes;
using Builds.Auth;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;

namespace Builds.OpenApi;

/// <summary>The description of the API at /openapi/v1.json: made from the endpoints themselves, so that none is missing.</summary>
internal static class OpenApiDescription
{
    public const string Address = "/openapi/{documentName}.json";

    private const string Scheme = "token";

    public static IServiceCollection AddOpenApiDescription(this IServiceCollection services) => services.AddOpenApi("v1", options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo
            {
                Title = "Builds",
                Version = "v1",
                Description = "A build cluster that speaks the API of builds.sr.ht. Every refusal below /api is {\"errors\": [{\"field\", \"reason\"}]}; field is left out when none is meant.",
            };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Scheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "Authorization: Bearer TOKEN, or Authorization: token TOKEN" },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer(Describe);
        options.AddSchemaTransformer((schema, context, _) =>
        {
            if (Examples.Of(context.JsonTypeInfo.Type) is { } example)
                schema.Examples = [JsonNode.Parse(example)!];
            return Task.CompletedTask;
        });
    });

    private static Task Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        if (metadata.OfType<Described>().LastOrDefault() is { } described)
        {
            operation.Summary = described.Summary;
            if (described.Body is { } body)
                operation.RequestBody = Body(body);
        }

        if (metadata.OfType<AccessRequirement>().LastOrDefault() is { } access)
        {
            operation.Description = $"Needs the scope {access.Scope}{(access.AdminOnly ? ", and a token of an admin" : "")}.";
            operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Scheme, context.Document)] = [] }];
        }

        return Task.CompletedTask;
    }

    private static OpenApiRequestBody Body(string example)
    {
        var content = new Dictionary<string, OpenApiMediaType>();
        // Forms have the same keys; a list is a key given several times.
        foreach (var type in (string[])["application/json", "application/x-www-form-urlencoded", "multipart/form-data"])
            content[type] = new OpenApiMediaType { Example = JsonNode.Parse(example), Schema = new OpenApiSchema { Type = JsonSchemaType.Object } };
        return new OpenApiRequestBody { Required = true, Content = content };
    }
}
