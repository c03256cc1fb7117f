def complete(result, generator, request, public):
    return result
